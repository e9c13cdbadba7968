secret "slack_bot_token" {
  source = "env"
  name   = "SLACK_BOT_TOKEN"
}

secret "slack_signing_secret" {
  source = "env"
  name   = "SLACK_SIGNING_SECRET"
}

secret "pagerduty_api_key" {            # reads on-call and writes notes
  source   = "aws_secrets_manager"      # or "env", "file"
  path     = "breakglass/prod"
  json_key = "pagerduty_api_key"
}

secret "pagerduty_adapter_key" {        # another key: adapters never use the one that routes
  source   = "aws_secrets_manager"
  path     = "breakglass/prod"
  json_key = "pagerduty_adapter_key"
}

integration "pagerduty" "main" {
  external_id = "acme.pagerduty.com"
  region      = "us"                    # or "eu", or base_url = "…"
  api_token   = secret.pagerduty_api_key
  from        = "breakglass@acme.example"
}

integration "slack" "main" {
  external_id    = "T0123ABC"
  bot_token      = secret.slack_bot_token
  signing_secret = secret.slack_signing_secret
}

environment "prod" {
  integrations = { slack = integration.slack.main, pagerduty = integration.pagerduty.main }
  errors_to    = "#access-errors"
}

roles {
  admins   = ["U0DANA", "U0MARA"]
  auditors = ["U0AUDI"]
}

http_adapter "pagerduty" {
  base_url = "https://api.pagerduty.com"
  headers = {
    Authorization = "Token token=${secret.pagerduty_adapter_key}"
    Accept        = "application/vnd.pagerduty+json;version=2"
  }
  allow = ["GET /incidents", "GET /incidents/{id}"]
}

target "pagerduty_incident_write" {
  kind    = "http_adapter"
  label   = "PagerDuty: work on the incident"
  adapter = http_adapter.pagerduty
  allow   = ["PUT /incidents/{incident}", "POST /incidents/{incident}/notes"]  # {incident}: the grant's own
}

target "production_console" {
  kind  = "approval_only"
  label = "Production console"
}

person "dana" {                         # a pinned link; usually imported, not typed
  slack     = "U0DANA"
  pagerduty = "PDANA01"
  email     = "dana@acme.example"
}

flow "prod" {
  label          = "Production access"
  environment    = environment.prod
  targets        = [target.production_console, target.pagerduty_incident_write]
  channel        = "#prod-access"       # FYIs and, unless said otherwise, cards
  implementation = "prod.py"
  requesters     = ["@engineering"]
  durations      = ["30m", "1h", "4h"]
  max_duration   = "4h"
  max_total      = "8h"                 # with extensions
  incident       = "required"           # or "optional", "create"
  end_with       = ["incident_resolved"]
  self_approval  = "on_call"
  on_call        = { max_level = 2, schedule_only = true, min_shift_age = "15m" }
  fallback       = { approvers = ["U0MARA", "@sre-managers"], destination = "#sre-managers" }
  vars           = { manager_policy = "mgr_on_call" }

  prompt_field "ticket" {
    type     = "string"
    label    = "Change ticket"
    required = false
  }
}
