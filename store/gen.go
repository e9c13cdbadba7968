package store

// The queries are compiled for both engines (see sqlc.yaml), then the types of one
// package are made aliases of the other's, so that both satisfy one interface.
//
//go:generate ../.ci/bin/sqlc generate
//go:generate go run alias_gen.go internal/sqlitedb breakglass/store/internal/postgresdb
