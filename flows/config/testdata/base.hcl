secret "base_bot" {
  source = "env"
  name   = "SLACK_BOT_TOKEN"
}
secret "base_signing" {
  source = "env"
  name   = "SLACK_SIGNING_SECRET"
}
secret "base_pagerduty" {
  source = "env"
  name   = "PAGERDUTY_API_KEY"
}
integration "slack" "main" {
  external_id    = "T0123ABC"
  bot_token      = secret.base_bot
  signing_secret = secret.base_signing
}
integration "pagerduty" "main" {
  external_id = "acme.pagerduty.com"
  api_token   = secret.base_pagerduty
  from        = "breakglass@acme.example"
}
environment "prod" {
  integrations = { slack = integration.slack.main, pagerduty = integration.pagerduty.main }
  errors_to    = "#access-errors"
}
roles {
  admins = ["U0MARA"]
}
target "console" {
  kind = "approval_only"
}
flow "base" {
  environment    = environment.prod
  targets        = [target.console]
  channel        = "#base"
  implementation = "prod.py"
  requesters     = ["@engineering"]
  durations      = ["30m"]
  fallback       = { approvers = ["@managers"] }
}
