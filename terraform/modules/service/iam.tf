locals {
  # 123456789012.dkr.ecr.<region>.amazonaws.com/<repository>:<tag> → its repository; other registries need no permission.
  ecr_parts = try(regex("^([0-9]{12})[.]dkr[.]ecr[.]([a-z0-9-]+)[.]amazonaws[.]com(?:[.]cn)?/([^:@]+)", coalesce(var.image, "none")), null)
  ecr_repository = concat(
    local.ecr_parts == null ? [] : ["arn:${local.partition}:ecr:${local.ecr_parts[1]}:${local.ecr_parts[0]}:repository/${local.ecr_parts[2]}"],
    var.repository.create ? ["arn:${local.partition}:ecr:${local.region}:${local.account_id}:repository/${var.name}"] : [],
  )
}

data "aws_iam_policy_document" "task_trust" {
  statement {
    sid     = "EcsTasks"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:ecs:${local.region}:${local.account_id}:*"]
    }
  }
}

data "aws_iam_policy_document" "worker_trust" {
  source_policy_documents = [data.aws_iam_policy_document.task_trust.json]

  dynamic "statement" {
    for_each = length(var.worker_assumed_by_arns) == 0 ? [] : [sort(distinct(var.worker_assumed_by_arns))]

    content {
      sid     = "OtherSchedulers"
      actions = ["sts:AssumeRole"]

      principals {
        type        = "AWS"
        identifiers = [local.root_arn]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:PrincipalArn"
        values   = statement.value
      }
    }
  }
}

data "aws_iam_policy_document" "worker" {
  source_policy_documents = compact([var.lake_writer_policy, var.state_connect_policy])

  # A wildcard account keeps the policy small for any number of customers; the ExternalId and each customer's trust
  # policy decide which roles open.
  statement {
    sid       = "AssumeReaderRoles"
    actions   = ["sts:AssumeRole"]
    resources = concat(["arn:${local.partition}:iam::*:role/${var.customer_role_name}"], sort(distinct(var.customer_role_arns)))
  }

  statement {
    sid       = "ReceiveNotifications"
    actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    resources = [var.queue_arn]
  }

  statement {
    sid       = "PutAside"
    actions   = ["sqs:GetQueueAttributes", "sqs:SendMessage"]
    resources = [var.dead_letter_queue_arn]
  }

  statement {
    sid       = "Keys"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.queue_kms_key_arn, aws_kms_key.this.arn]
  }

  dynamic "statement" {
    for_each = aws_sns_topic.alerts

    content {
      sid       = "PublishAlerts"
      actions   = ["sns:Publish"]
      resources = [statement.value.arn]
    }
  }
}

resource "aws_iam_role" "worker" {
  name                 = "${var.name}-worker"
  description          = "Headwater worker: reads the intake queue, assumes reader roles, writes the lake"
  assume_role_policy   = data.aws_iam_policy_document.worker_trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "worker" {
  name   = "worker"
  role   = aws_iam_role.worker.name
  policy = data.aws_iam_policy_document.worker.json
}

# What ECS itself does before the worker runs. Apart from the worker's role, so that detections never see the secret's ARN.
data "aws_iam_policy_document" "execution" {
  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.log_group_arn}:*"]
  }

  dynamic "statement" {
    for_each = length(local.ecr_repository) == 0 ? [] : [local.ecr_repository]

    content {
      sid       = "PullImage"
      actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = length(local.ecr_repository) == 0 ? [] : [1]

    content {
      sid       = "LogInToRegistry"
      actions   = ["ecr:GetAuthorizationToken"]
      resources = ["*"] # the action knows no resource
    }
  }

  dynamic "statement" {
    for_each = var.state_url_secret_arn == null ? [] : [var.state_url_secret_arn]

    content {
      sid       = "ReadStateUrl"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.state_url_secret_kms_key_arn == null ? [] : [var.state_url_secret_kms_key_arn]

    content {
      sid       = "DecryptStateUrl"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role" "execution" {
  count = local.has_task ? 1 : 0

  name                 = "${var.name}-execution"
  description          = "ECS starts the Headwater worker: image, log, secret"
  assume_role_policy   = data.aws_iam_policy_document.task_trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "execution" {
  count = local.has_task ? 1 : 0

  name   = "execution"
  role   = aws_iam_role.execution[0].name
  policy = data.aws_iam_policy_document.execution.json
}
