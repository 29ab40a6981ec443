mock_provider "aws" {
  source = "../../mocks/central"
}

run "subnets_are_private_and_in_different_zones" {
  command = apply

  assert {
    condition     = { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block } == { us-east-1a = "10.90.0.0/24", us-east-1b = "10.90.1.0/24" }
    error_message = "One per zone, apart."
  }

  assert {
    condition     = length(aws_route_table.private) == 1 && length(aws_route_table_association.private) == 2
    error_message = "No route leads to the Internet."
  }
}

run "every_service_of_the_worker_has_an_endpoint" {
  command = apply

  assert {
    condition     = alltrue([for name in ["s3", "sts", "sqs", "kms", "ecr.api", "ecr.dkr", "logs", "secretsmanager", "glue", "sns"] : contains(keys(output.endpoint_ids), name)])
    error_message = "No NAT is needed."
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.private_dns_enabled])
    error_message = "Clients need no configuration."
  }
}

run "tasks_reach_nothing_but_https" {
  command = apply

  assert {
    condition     = aws_vpc_security_group_egress_rule.worker_endpoints[0].from_port == 443 && length(aws_vpc_security_group_egress_rule.worker_internet) == 0
    error_message = "No rule to the Internet unless asked for."
  }
}

run "an_existing_network_is_left_as_it_is" {
  command = apply

  variables {
    existing            = { vpc_id = "vpc-0a", cidr = "10.0.0.0/16", subnet_ids = ["subnet-0a", "subnet-0b"] }
    s3_endpoint         = false
    interface_endpoints = []
    egress_cidrs        = ["203.0.113.0/24"]
  }

  assert {
    condition     = length(aws_vpc.this) + length(aws_subnet.private) + length(aws_vpc_endpoint.interface) + length(aws_vpc_endpoint.s3) + length(aws_flow_log.this) == 0
    error_message = "Only a security group is made."
  }

  assert {
    condition     = output.vpc_id == "vpc-0a" && output.private_subnet_ids == tolist(["subnet-0a", "subnet-0b"]) && output.endpoint_security_group_id == null
    error_message = "The outputs name what was given."
  }

  assert {
    condition     = keys(aws_vpc_security_group_egress_rule.worker_internet) == ["203.0.113.0/24"]
    error_message = "The named range alone."
  }
}

run "flow_log_can_be_left_out" {
  command = plan

  variables {
    flow_log_retention_days = 0
  }

  assert {
    condition     = length(aws_flow_log.this) + length(aws_iam_role.flow) == 0
    error_message = "Neither log nor role."
  }
}
