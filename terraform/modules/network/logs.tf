# What the network did, for the day somebody asks. Not collected by Headwater itself.
locals {
  flow_log_group_arn = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/${var.name}/flow"
  has_flow_log       = local.makes_vpc && var.flow_log_retention_days > 0
}

resource "aws_cloudwatch_log_group" "flow" {
  count = local.has_flow_log ? 1 : 0

  name              = "/${var.name}/flow"
  retention_in_days = var.flow_log_retention_days
  kms_key_id        = var.log_kms_key_arn
  tags              = var.tags
}

data "aws_iam_policy_document" "flow_trust" {
  statement {
    sid     = "FlowLogs"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["vpc-flow-logs.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:ec2:${local.region}:${local.account_id}:vpc-flow-log/*"]
    }
  }
}

data "aws_iam_policy_document" "flow" {
  statement {
    sid       = "WriteFlowLog"
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["${local.flow_log_group_arn}:*"]
  }
}

resource "aws_iam_role" "flow" {
  count = local.has_flow_log ? 1 : 0

  name                 = "${var.name}-flow-log"
  description          = "VPC flow log of the Headwater network"
  assume_role_policy   = data.aws_iam_policy_document.flow_trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "flow" {
  count = local.has_flow_log ? 1 : 0

  name   = "flow-log"
  role   = aws_iam_role.flow[0].name
  policy = data.aws_iam_policy_document.flow.json
}

resource "aws_flow_log" "this" {
  count = local.has_flow_log ? 1 : 0

  vpc_id          = aws_vpc.this[0].id
  traffic_type    = "ALL"
  log_destination = aws_cloudwatch_log_group.flow[0].arn
  iam_role_arn    = aws_iam_role.flow[0].arn
  tags            = merge(var.tags, { Name = var.name })

  depends_on = [aws_iam_role_policy.flow]
}
