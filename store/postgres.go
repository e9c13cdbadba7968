package store

import (
	"context"
	"time"
)

type pgDB struct{}

func openPostgres(context.Context, Options) (*pgDB, error)                         { return nil, errNoPostgres }
func (*pgDB) write(context.Context, func(context.Context, queries) error) error    { return nil }
func (*pgDB) snapshot(context.Context, func(context.Context, queries) error) error { return nil }
func (*pgDB) direct() queries                                                      { return nil }
func (*pgDB) health(context.Context) error                                         { return nil }
func (*pgDB) clock(context.Context) (time.Time, error)                             { return time.Time{}, nil }
func (*pgDB) close() error                                                         { return nil }
