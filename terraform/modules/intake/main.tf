data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_caller_identity" "this" {}

locals {
  account_id = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition
  region     = data.aws_region.this.id # `id`, not `name`: provider 6 deprecates `name`

  # ARNs written out instead of read from resources: every policy is known at plan, and no cycle arises.
  root_arn        = "arn:${local.partition}:iam::${local.account_id}:root"
  queue_arn       = "arn:${local.partition}:sqs:${local.region}:${local.account_id}:${var.name}-intake"
  dead_letter_arn = "arn:${local.partition}:sqs:${local.region}:${local.account_id}:${var.name}-dead-letters"
  bus_arn         = "arn:${local.partition}:events:${local.region}:${local.account_id}:event-bus/${var.name}"
  bus_rule_arn    = "arn:${local.partition}:events:${local.region}:${local.account_id}:rule/${var.name}/${var.name}-intake"

  # Who may announce objects, as (condition key, values): never one entry per customer where an organisation covers them.
  sns_principals = concat(["sns.amazonaws.com"], [for region in sort(distinct(var.opt_in_regions)) : "sns.${region}.amazonaws.com"])
  announcers = merge(
    { CustomerAccounts = { key = "aws:SourceAccount", values = sort(distinct(concat([local.account_id], var.customer_account_ids))) } },
    var.organization_id == null ? {} : { Organization = { key = "aws:SourceOrgID", values = [var.organization_id] } },
  )

  has_bus = var.organization_id != null || length(var.eventbridge_account_ids) > 0
}
