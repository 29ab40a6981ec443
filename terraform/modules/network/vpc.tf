# Private subnets without a way to the Internet: what the service needs of AWS it reaches through endpoints.
resource "aws_vpc" "this" {
  count = local.makes_vpc ? 1 : 0

  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true # private DNS names of the endpoints need both
  tags                 = merge(var.tags, { Name = var.name })
}

# The VPC's default group is taken over and emptied, so that nothing can use it by accident.
resource "aws_default_security_group" "this" {
  count = local.makes_vpc ? 1 : 0

  vpc_id = aws_vpc.this[0].id
  tags   = merge(var.tags, { Name = "${var.name}-default-unused" })
}

resource "aws_subnet" "private" {
  for_each = local.subnets

  vpc_id            = aws_vpc.this[0].id
  availability_zone = each.key
  cidr_block        = each.value
  tags              = merge(var.tags, { Name = "${var.name}-private-${each.key}" })
}

resource "aws_route_table" "private" {
  count = local.makes_vpc ? 1 : 0

  vpc_id = aws_vpc.this[0].id
  tags   = merge(var.tags, { Name = "${var.name}-private" })
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  subnet_id      = each.value.id
  route_table_id = aws_route_table.private[0].id
}

resource "aws_security_group" "worker" {
  #checkov:skip=CKV2_AWS_5:the service module attaches it to the tasks
  name        = "${var.name}-worker"
  description = "Headwater tasks: HTTPS to AWS and no way in"
  vpc_id      = local.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-worker" })
}

resource "aws_vpc_security_group_egress_rule" "worker_endpoints" {
  count = local.has_interfaces ? 1 : 0

  security_group_id            = aws_security_group.worker.id
  description                  = "AWS services through their endpoints"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.endpoints[0].id
  tags                         = var.tags
}

resource "aws_vpc_security_group_egress_rule" "worker_s3" {
  count = var.s3_endpoint ? 1 : 0

  security_group_id = aws_security_group.worker.id
  description       = "S3 through its gateway"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = aws_vpc_endpoint.s3[0].prefix_list_id
  tags              = var.tags
}

resource "aws_vpc_security_group_egress_rule" "worker_internet" {
  for_each = toset(var.egress_cidrs)

  security_group_id = aws_security_group.worker.id
  description       = "HTTPS beyond AWS: webhooks of alert destinations"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = each.value
  tags              = var.tags
}
