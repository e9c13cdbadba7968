package app

import (
	"net/http"

	"breakglass/bot/web"
)

// Doors are the doors of the internal listener, and Routes what it serves.
func (a *App) Doors() []web.Door { return a.internalDoors() }

// Routes is what the internal listener serves.
func (a *App) Routes() http.Handler { return a.internalRoutes() }
