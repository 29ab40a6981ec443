data "aws_iam_policy_document" "topic" {
  for_each = local.managed_topic_arns

  statement {
    sid       = "BucketPublishes"
    actions   = ["sns:Publish"]
    resources = [each.value]

    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:s3:::${each.key}"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [var.account_id]
    }
  }

  dynamic "statement" {
    for_each = var.subscribe_from == "central" ? [var.queue_arn] : []

    content {
      sid       = "CentralSubscribesItsQueue"
      actions   = ["sns:Subscribe"]
      resources = [each.value]

      principals {
        type        = "AWS"
        identifiers = ["arn:${local.partition}:iam::${var.central_account_id}:root"]
      }

      condition {
        test     = "StringEquals"
        variable = "sns:Endpoint"
        values   = [statement.value]
      }

      condition {
        test     = "StringEquals"
        variable = "sns:Protocol"
        values   = ["sqs"]
      }
    }
  }
}

resource "aws_sns_topic" "this" {
  for_each = local.topic_names

  name              = each.value
  display_name      = "Headwater: new objects in ${each.key}"
  kms_master_key_id = var.topic_kms_key_arn
  tags              = var.tags
}

resource "aws_sns_topic_policy" "this" {
  for_each = local.topic_names # not the topics: `terraform import` wants keys that are known

  arn    = aws_sns_topic.this[each.key].arn
  policy = data.aws_iam_policy_document.topic[each.key].json
}

# Keys: the bucket of a managed topic, the ARN of an existing one.
resource "aws_sns_topic_subscription" "this" {
  for_each = merge(
    { for arn in local.existing_topics : arn => arn },
    { for bucket, arn in local.managed_topic_arns : bucket => arn if var.subscribe_from == "customer" },
  )

  topic_arn            = each.value
  protocol             = "sqs"
  endpoint             = var.queue_arn
  raw_message_delivery = true
  redrive_policy       = var.subscription_dead_letter_queue_arn == null ? null : jsonencode({ deadLetterTargetArn = var.subscription_dead_letter_queue_arn })

  depends_on = [aws_sns_topic_policy.this]
}
