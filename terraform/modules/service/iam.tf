locals {
  # A console or a deliverer among the tasks has a role of its own, which no customer trusts and which reads no queue.
  own_roles = toset([for name in ["console", "deliverer"] : name if contains(keys(var.tasks), name)])
  role_policies = {
    console   = data.aws_iam_policy_document.console.json
    deliverer = data.aws_iam_policy_document.deliverer.json
  }

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
  source_policy_documents = compact([
    var.lake_writer_policy, var.state_connect_policy, contains(local.own_roles, "deliverer") ? null : data.aws_iam_policy_document.alerts.json,
  ])

  # A wildcard account keeps the policy small for any number of customers; the ExternalId and each customer's trust
  # policy decide which roles open.
  statement {
    sid       = "AssumeReaderRoles"
    actions   = ["sts:AssumeRole"]
    resources = concat(["arn:${local.partition}:iam::*:role/${var.customer_role_name}"], sort(distinct(var.customer_role_arns)))
  }

  statement {
    sid       = "ReceiveNotifications"
    actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"]
    resources = [var.queue_arn] # sends to it: what is put off, backfilled or requeued
  }

  statement {
    sid       = "PutAsideAndRequeue"
    actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"]
    resources = [var.dead_letter_queue_arn]
  }

  statement {
    sid       = "Keys"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.queue_kms_key_arn]
  }

  dynamic "statement" {
    for_each = length(var.lookup_tables.object_arns) == 0 ? [] : [sort(distinct(var.lookup_tables.object_arns))]

    content {
      sid       = "ReadLookupTables"
      actions   = ["s3:GetObject"]
      resources = statement.value

      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["true"]
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.lookup_tables.kms_key_arns) == 0 ? [] : [sort(distinct(var.lookup_tables.kms_key_arns))]

    content {
      sid       = "DecryptLookupTables"
      actions   = ["kms:Decrypt"]
      resources = statement.value

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["s3.*"]
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.lookup_tables.role_arns) == 0 ? [] : [sort(distinct(var.lookup_tables.role_arns))]

    content {
      sid       = "AssumeLookupRoles"
      actions   = ["sts:AssumeRole"]
      resources = statement.value
    }
  }
}

# Where alerts may go: the deliverer's where there is one, else the worker's.
data "aws_iam_policy_document" "alerts" {
  statement {
    sid       = "AlertsKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.this.arn]
  }

  dynamic "statement" {
    for_each = length(local.alert_topics) == 0 ? [] : [local.alert_topics]

    content {
      sid       = "PublishAlerts"
      actions   = ["sns:Publish"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = local.alert_targets

    content {
      sid       = statement.key
      actions   = statement.value.actions
      resources = statement.value.arns
    }
  }

  dynamic "statement" {
    for_each = length(var.alert_destinations.kms_key_arns) == 0 ? [] : [sort(distinct(var.alert_destinations.kms_key_arns))]

    content {
      sid       = "KeysOfDestinations"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = statement.value

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["s3.*", "secretsmanager.*", "sns.*", "sqs.*", "ssm.*"]
      }
    }
  }
}

locals {
  alert_topics = concat(var.alerts_topic ? [local.alerts_topic_arn] : [], sort(distinct(var.alert_destinations.topic_arns)))
  alert_targets = { for sid, target in {
    SendAlerts       = { actions = ["sqs:SendMessage"], arns = sort(distinct(var.alert_destinations.queue_arns)) }
    PutAlertsOnBuses = { actions = ["events:PutEvents"], arns = sort(distinct(var.alert_destinations.event_bus_arns)) }
    WriteAlerts      = { actions = ["s3:PutObject"], arns = sort(distinct(var.alert_destinations.object_arns)) }
    ImportFindings   = { actions = ["securityhub:BatchImportFindings"], arns = var.alert_destinations.security_hub ? ["arn:${local.partition}:securityhub:${local.region}:${local.account_id}:product/${local.account_id}/default"] : [] }
    ResolveFindings  = { actions = ["securityhub:BatchUpdateFindings"], arns = var.alert_destinations.security_hub ? ["arn:${local.partition}:securityhub:${local.region}:${local.account_id}:hub/default"] : [] }
    ReadSecrets      = { actions = ["secretsmanager:GetSecretValue"], arns = sort(distinct(var.alert_destinations.secret_arns)) }
    ReadParameters   = { actions = ["ssm:GetParameter", "ssm:GetParameters"], arns = sort(distinct(var.alert_destinations.parameter_arns)) }
  } : sid => target if length(target.arns) > 0 }
}

data "aws_iam_policy_document" "deliverer" {
  source_policy_documents = compact([var.state_connect_policy, data.aws_iam_policy_document.alerts.json])

  statement {
    sid       = "Configuration" # accounts.yml, destinations.yml
    actions   = ["s3:GetObject"]
    resources = ["arn:${local.partition}:s3:::${var.lake_bucket_name}/config/*"]
  }
}

# The console shows alerts and queries the lake; it writes no table.
data "aws_iam_policy_document" "console" {
  source_policy_documents = compact([var.state_connect_policy, var.lake_reader_policy])

  statement {
    sid       = "Configuration" # accounts.yml
    actions   = ["s3:GetObject"]
    resources = ["arn:${local.partition}:s3:::${var.lake_bucket_name}/config/*"]
  }
}

resource "aws_iam_role" "task" {
  for_each = local.own_roles

  name                 = "${var.name}-${each.key}"
  description          = "Headwater ${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.task_trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "task" {
  for_each = local.own_roles

  name   = each.key
  role   = aws_iam_role.task[each.key].name
  policy = local.role_policies[each.key]
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
