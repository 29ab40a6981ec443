data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_caller_identity" "this" {}

locals {
  account_id = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition
  dns_suffix = data.aws_partition.this.dns_suffix
  region     = data.aws_region.this.id # `id`, not `name`: provider 6 deprecates `name`

  # ARNs written out instead of read from resources: every policy is known at plan, and no cycle arises.
  root_arn       = "arn:${local.partition}:iam::${local.account_id}:root"
  log_group_name = "/${var.name}/worker"
  log_group_arn  = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:${local.log_group_name}"

  alerts_topic_arn = "arn:${local.partition}:sns:${local.region}:${local.account_id}:${var.name}-alerts"

  queue_name = split(":", var.queue_arn)[5]

  image       = var.image != null ? var.image : var.repository.create && var.repository.tag != null ? "${aws_ecr_repository.this[0].repository_url}:${var.repository.tag}" : null
  has_task    = var.image != null || (var.repository.create && var.repository.tag != null)
  has_service = local.has_task && var.create_service
  tasks       = local.has_task ? var.tasks : {}
  services    = local.has_service ? var.tasks : {}
}
