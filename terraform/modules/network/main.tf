data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_caller_identity" "this" {}

data "aws_availability_zones" "this" {
  #checkov:skip=CKV_AWS_394:only the first zone_count names are used; a new zone later in the alphabet changes nothing
  state = "available"

  filter { # no Local Zones: Fargate and interface endpoints are not in all of them
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  account_id = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition
  region     = data.aws_region.this.id # `id`, not `name`: provider 6 deprecates `name`

  makes_vpc = var.existing == null
  zones     = local.makes_vpc ? slice(sort(data.aws_availability_zones.this.names), 0, min(var.zone_count, length(data.aws_availability_zones.this.names))) : []
  subnets   = { for index, zone in local.zones : zone => cidrsubnet(var.cidr, 4, index) } # 16 parts: room for more zones

  vpc_id          = local.makes_vpc ? aws_vpc.this[0].id : var.existing.vpc_id
  vpc_cidr        = local.makes_vpc ? var.cidr : var.existing.cidr
  subnet_ids      = local.makes_vpc ? [for zone in local.zones : aws_subnet.private[zone].id] : var.existing.subnet_ids
  route_table_ids = local.makes_vpc ? [aws_route_table.private[0].id] : var.existing.route_table_ids
}
