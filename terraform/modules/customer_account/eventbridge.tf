# A rule per bucket forwards its "Object Created" events to the central bus, which puts them on the queue. A bus in between,
# not the queue itself: that works in every partition and needs nothing from the queue's key in this account.
locals {
  rule_names = { for bucket in local.eventbridge_buckets : bucket => length(bucket) <= 54 ? "headwater-${bucket}" : "headwater-${substr(bucket, 0, 45)}-${substr(sha256(bucket), 0, 8)}" }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.rule_names

  name        = each.value
  description = "Headwater: new objects in ${each.key}"
  tags        = var.tags

  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created"]
    detail = merge(
      { bucket = { name = [each.key] } },
      contains(local.prefixes[each.key], "") ? {} : { object = { key = [
        for s in var.sources : { prefix = s.prefix } if s.bucket == each.key && s.notifications == "eventbridge"
      ] } },
    )
  })
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.rule_names # not the rules: `terraform import` wants keys that are known

  rule      = aws_cloudwatch_event_rule.this[each.key].name
  target_id = "headwater"
  arn       = var.event_bus_arn
  role_arn  = aws_iam_role.events[0].arn
}

data "aws_iam_policy_document" "events_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [for name in values(local.rule_names) : "arn:${local.partition}:events:${local.region}:${var.account_id}:rule/${name}"]
    }
  }
}

data "aws_iam_policy_document" "events" {
  count = length(local.eventbridge_buckets) == 0 ? 0 : 1

  statement {
    sid       = "ForwardToCentralBus"
    actions   = ["events:PutEvents"]
    resources = [var.event_bus_arn]
  }
}

resource "aws_iam_role" "events" {
  count = length(local.eventbridge_buckets) == 0 ? 0 : 1

  name                 = "headwater-events-${local.region}" # the region: IAM is global, this module is called once per region
  path                 = var.role_path
  description          = "EventBridge forwards object notifications of ${var.account_name} to Headwater"
  assume_role_policy   = data.aws_iam_policy_document.events_trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "events" {
  count = length(local.eventbridge_buckets) == 0 ? 0 : 1

  name   = "forward-to-central-bus"
  role   = aws_iam_role.events[0].name
  policy = data.aws_iam_policy_document.events[0].json
}
