data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_caller_identity" "this" {}

locals {
  account_id = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition
  region     = data.aws_region.this.id # `id`, not `name`: provider 6 deprecates `name`

  # ARNs written out instead of read from resources: every policy is known at plan, and no cycle arises.
  bucket     = coalesce(var.bucket_name, "${var.name}-vpc-flow-${local.account_id}-${local.region}")
  bucket_arn = "arn:${local.partition}:s3:::${local.bucket}"

  # Amazon VPC user guide, "Flow log records": the version of the format that brought each field.
  fields = {
    2 = [
      "version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes",
      "start", "end", "action", "log-status",
    ]
    3 = ["vpc-id", "subnet-id", "instance-id", "tcp-flags", "type", "pkt-srcaddr", "pkt-dstaddr"]
    4 = ["region", "az-id", "sublocation-type", "sublocation-id"]
    5 = ["pkt-src-aws-service", "pkt-dst-aws-service", "flow-direction", "traffic-path"]
    7 = [
      "ecs-cluster-arn", "ecs-cluster-name", "ecs-container-instance-arn", "ecs-container-instance-id", "ecs-container-id",
      "ecs-second-container-id", "ecs-service-name", "ecs-task-definition-arn", "ecs-task-arn", "ecs-task-id",
    ]
    8 = ["reject-reason"]
  }
  log_format = join(" ", [for field in flatten([for version, names in local.fields : names if tonumber(version) <= var.format_version]) : "$${${field}}"])
}
