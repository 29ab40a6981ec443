locals {
  has_interfaces = length(var.interface_endpoints) > 0
}

# The name differs between partitions (com.amazonaws…, cn.com.amazonaws…), so it is asked for.
data "aws_vpc_endpoint_service" "interface" {
  for_each = var.interface_endpoints

  service      = each.value
  service_type = "Interface"
}

data "aws_vpc_endpoint_service" "s3" {
  count = var.s3_endpoint ? 1 : 0

  service      = "s3"
  service_type = "Gateway"
}

# Only roles of this account: credentials of others, brought in by an intruder, lead nowhere.
data "aws_iam_policy_document" "interface" {
  #checkov:skip=CKV_AWS_1:an endpoint policy narrows what roles may do already; the condition keeps out all others
  #checkov:skip=CKV_AWS_49:an endpoint policy narrows what roles may do already; the condition keeps out all others
  statement {
    sid       = "RolesOfThisAccount"
    actions   = ["*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [local.account_id]
    }
  }
}

# The worker answers SNS's question whether a subscription is wanted without a signature: the token in it is the proof.
data "aws_iam_policy_document" "sns" {
  #checkov:skip=CKV_AWS_283:whoever holds the token of a subscription may confirm it, and nothing else
  source_policy_documents = [data.aws_iam_policy_document.interface.json]

  statement {
    sid       = "ConfirmSubscriptions"
    actions   = ["sns:ConfirmSubscription"]
    resources = ["arn:${local.partition}:sns:${local.region}:*:*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

data "aws_iam_policy_document" "s3" {
  #checkov:skip=CKV_AWS_283:conditions name the accounts and roles; the layers of ECR are public to those with a signed URL
  statement {
    sid       = "RolesOfThisAccount"
    actions   = ["s3:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [local.account_id]
    }
  }

  # An assumed reader role belongs to its customer's account.
  statement {
    sid       = "ReaderRolesOfCustomers"
    actions   = ["s3:GetBucketLocation", "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:PrincipalArn"
      values   = concat(["arn:${local.partition}:iam::*:role/${var.customer_role_name}"], sort(distinct(var.customer_role_arns)))
    }
  }

  # ECR keeps image layers in a bucket of AWS: https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
  statement {
    sid       = "ImageLayers"
    actions   = ["s3:GetObject"]
    resources = ["arn:${local.partition}:s3:::prod-${local.region}-starport-layer-bucket/*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }
}

resource "aws_vpc_endpoint" "s3" {
  count = var.s3_endpoint ? 1 : 0

  vpc_id            = local.vpc_id
  service_name      = data.aws_vpc_endpoint_service.s3[0].service_name
  vpc_endpoint_type = "Gateway"
  route_table_ids   = local.route_table_ids
  policy            = data.aws_iam_policy_document.s3.json
  tags              = merge(var.tags, { Name = "${var.name}-s3" })
}

resource "aws_security_group" "endpoints" {
  count = local.has_interfaces ? 1 : 0

  name        = "${var.name}-endpoints"
  description = "Headwater: endpoints of AWS services"
  vpc_id      = local.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-endpoints" })
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  count = local.has_interfaces ? 1 : 0

  security_group_id            = aws_security_group.endpoints[0].id
  description                  = "HTTPS of Headwater tasks"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.worker.id
  tags                         = var.tags
}

resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = local.vpc_id
  service_name        = data.aws_vpc_endpoint_service.interface[each.value].service_name
  vpc_endpoint_type   = "Interface"
  subnet_ids          = local.subnet_ids
  security_group_ids  = [aws_security_group.endpoints[0].id]
  private_dns_enabled = true
  policy              = each.value == "sns" ? data.aws_iam_policy_document.sns.json : data.aws_iam_policy_document.interface.json
  tags                = merge(var.tags, { Name = "${var.name}-${each.value}" })
}
