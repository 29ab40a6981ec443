# One account in one region: one state. The state of the central region owns the role, which reads the sources of every
# region; the states of the other regions own their topics and rules.
locals {
  config   = yamldecode(file(var.accounts_file))
  central  = local.config.central
  defaults = try(local.config.defaults, {})
  lock     = fileexists(var.lock_file) ? jsondecode(file(var.lock_file)).accounts : {}
  account  = one([for account in local.config.accounts : account if account.id == var.account_id])

  region    = coalesce(var.region, local.central.region)
  at_home   = local.region == local.central.region
  partition = startswith(local.region, "cn-") ? "aws-cn" : startswith(local.region, "us-gov-") ? "aws-us-gov" : "aws"

  role_name = try(local.account.role_name, local.defaults.role_name, "headwater-reader")
  role_path = try(local.account.role_path, local.defaults.role_path, "/")
  role_arn  = try(local.account.role_arn, "arn:${local.partition}:iam::${var.account_id}:role${local.role_path}${local.role_name}")

  deploy_role_name = try(local.account.deploy_role_name, local.defaults.deploy_role_name, "OrganizationAccountAccessRole")

  sources = [for source in local.account.sources : {
    name          = source.name
    bucket        = source.bucket
    prefix        = try(source.prefix, "")
    region        = try(source.region, local.defaults.region, local.central.region)
    kms_key_arn   = try(source.kms_key_arn, null)
    topic_arn     = try(source.topic_arn, null)
    notifications = try(source.notifications, local.defaults.notifications, "sns")
  }]

  arn_base = "${local.central.region}:${local.central.account_id}"
}

provider "aws" {
  region              = local.region
  allowed_account_ids = [var.account_id]

  assume_role {
    role_arn     = "arn:${local.partition}:iam::${var.account_id}:role/${local.deploy_role_name}"
    session_name = "headwater-onboarding"
  }
}

module "account" {
  source = "../../../modules/customer_account"

  account_id               = var.account_id
  account_name             = local.account.name
  external_id              = try(local.account.external_id, local.lock[var.account_id].external_id)
  central_account_id       = local.central.account_id
  worker_role_arn          = "arn:${local.partition}:iam::${local.central.account_id}:role/${try(local.central.worker_role_name, "headwater-worker")}"
  queue_arn                = "arn:${local.partition}:sqs:${local.arn_base}:${try(local.central.queue_name, "headwater-intake")}"
  event_bus_arn            = "arn:${local.partition}:events:${local.arn_base}:event-bus/${try(local.central.event_bus_name, "headwater")}"
  organization_id          = try(local.central.organization_id, null)
  role_name                = local.role_name
  role_path                = local.role_path
  permissions_boundary_arn = try(local.account.permissions_boundary_arn, local.defaults.permissions_boundary_arn, null)
  role_arn_existing        = local.at_home ? try(local.account.role_arn, null) : local.role_arn

  sources = [for source in local.sources : merge(source, source.region == local.region ? {} : { notifications = "none", topic_arn = null })
  if local.at_home || source.region == local.region]

  bucket_notifications_checked = var.bucket_notifications_checked
  tags                         = { Application = "headwater" }
}
