# A first configuration. It works with the two simulators, which `breakglass demo`
# starts; for your own Slack and PagerDuty remove the lines marked "simulator".

variable "slack_api" {
  description = "where the Slack simulator listens"
  default     = "http://127.0.0.1:8401/api/"
}

variable "pagerduty_api" {
  description = "where the PagerDuty simulator listens"
  default     = "http://127.0.0.1:8402"
}

variable "database_webhook" {
  description = "what gives and ends access to the production database"
  default     = "http://127.0.0.1:8403/access"
}

secret "slack_bot_token" {
  source = "env"
  name   = "SLACK_BOT_TOKEN"
}

secret "slack_signing_secret" {
  source = "env"
  name   = "SLACK_SIGNING_SECRET"
}

secret "pagerduty_api_key" {
  source = "env"
  name   = "PAGERDUTY_API_KEY"
}

secret "pagerduty_webhook_secret" {
  source = "env"
  name   = "PAGERDUTY_WEBHOOK_SECRET"
}

secret "database_webhook_key" {
  source = "env"
  name   = "DATABASE_WEBHOOK_KEY"
}

integration "slack" "main" {
  external_id    = "T0DEMO01"
  bot_token      = secret.slack_bot_token
  signing_secret = secret.slack_signing_secret
  api_url        = var.slack_api # simulator
  simulated      = true          # simulator
}

integration "pagerduty" "main" {
  external_id    = "demo.pagerduty.com"
  api_token      = secret.pagerduty_api_key
  webhook_secret = secret.pagerduty_webhook_secret
  from           = "breakglass@demo.example"
  base_url       = var.pagerduty_api # simulator
  simulated      = true              # simulator
}

environment "prod" {
  integrations = { slack = integration.slack.main, pagerduty = integration.pagerduty.main }
  errors_to    = "#access-errors"
}

roles {
  admins   = ["U0MARA"]
  auditors = ["U0AUDI"]
}

# People, on both sides. On-call is PagerDuty's to say, access is Slack's to ask for.

person "dana" {
  slack     = "U0DANA"
  pagerduty = "PDANA01"
  email     = "dana@demo.example"
}

person "sam" {
  slack     = "U0SAM"
  pagerduty = "PSAM001"
  email     = "sam@demo.example"
}

person "mara" {
  slack     = "U0MARA"
  pagerduty = "PMARA01"
  email     = "mara@demo.example"
}

person "noor" {
  slack     = "U0NOOR"
  pagerduty = "PNOOR01"
  email     = "noor@demo.example"
}

# What access is given to.

target "production_console" {
  kind   = "approval_only"
  label  = "Production console"
  how_to = "Open the console and choose the role *oncall*."
}

target "prod_database" {
  kind          = "webhook"
  label         = "Production database"
  url           = var.database_webhook
  secret        = secret.database_webhook_key
  allow_private = true
  max_duration  = "1h"
  high_risk     = true
  how_to        = "Run `psql prod` within the hour."
}

# What may be asked, and who decides.

flow "prod" {
  label          = "Production access"
  environment    = environment.prod
  targets        = [target.production_console, target.prod_database]
  channel        = "#prod-access"
  implementation = "prod.py"
  requesters     = ["@engineering"]
  durations      = ["30m", "1h", "4h"]
  max_duration   = "4h"
  max_total      = "8h"
  incident       = "optional"
  end_with       = ["incident_resolved"]
  self_approval  = "on_call"
  on_call        = { max_level = 2, schedule_only = true }
  stage_timeout  = "15m"
  remind_after   = "5m"
  fallback       = { approvers = ["U0MARA", "@sre-managers"], destination = "#sre-managers" }
  vars           = { manager_policy = "mgr_on_call" }

  prompt_field "ticket" {
    type     = "string"
    label    = "Change ticket"
    required = false
  }
}
