package main

import "github.com/spf13/cobra"

func (c *cli) check() *cobra.Command  { return &cobra.Command{Use: "check"} }
func (c *cli) doctor() *cobra.Command { return &cobra.Command{Use: "doctor"} }
