# Rules of customer accounts forward "Object Created" events to this bus; its own rule puts them on the queue.
# There is none where nobody could use it.
resource "aws_cloudwatch_event_bus" "this" {
  count = local.has_bus ? 1 : 0

  name        = var.name
  description = "Object notifications of customer buckets"
  tags        = var.tags
}

data "aws_iam_policy_document" "bus" {
  dynamic "statement" {
    for_each = var.organization_id == null ? [] : [var.organization_id]

    content {
      sid       = "Organization"
      actions   = ["events:PutEvents"]
      resources = [local.bus_arn]

      principals {
        type        = "AWS"
        identifiers = ["*"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:PrincipalOrgID"
        values   = [statement.value]
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.eventbridge_account_ids) == 0 ? [] : [sort(distinct(var.eventbridge_account_ids))]

    content {
      sid       = "CustomerAccounts"
      actions   = ["events:PutEvents"]
      resources = [local.bus_arn]

      principals {
        type        = "AWS"
        identifiers = [for id in statement.value : "arn:${local.partition}:iam::${id}:root"]
      }
    }
  }
}

resource "aws_cloudwatch_event_bus_policy" "this" {
  count = local.has_bus ? 1 : 0

  event_bus_name = aws_cloudwatch_event_bus.this[0].name
  policy         = data.aws_iam_policy_document.bus.minified_json

  lifecycle {
    precondition {
      condition     = length(data.aws_iam_policy_document.bus.minified_json) <= 10240 # EventBridge quota
      error_message = "The event bus's policy would exceed the 10 KB of EventBridge: too many eventbridge_account_ids. Give organization_id."
    }
  }
}

resource "aws_cloudwatch_event_rule" "intake" {
  count = local.has_bus ? 1 : 0

  name           = "${var.name}-intake"
  description    = "New objects of customer buckets go to the intake queue"
  event_bus_name = aws_cloudwatch_event_bus.this[0].name
  tags           = var.tags

  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created"]
  })
}

resource "aws_cloudwatch_event_target" "intake" {
  count = local.has_bus ? 1 : 0

  rule           = aws_cloudwatch_event_rule.intake[0].name
  event_bus_name = aws_cloudwatch_event_bus.this[0].name
  target_id      = "intake"
  arn            = aws_sqs_queue.intake.arn
}
