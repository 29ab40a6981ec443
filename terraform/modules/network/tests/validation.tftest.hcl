mock_provider "aws" {
  source = "../../mocks/central"
}

# One valid set; each run breaks one input.
variables {
  cidr = "10.90.0.0/20"
}

run "the_valid_set_plans" {
  command = plan
}

run "name_in_capitals" {
  command = plan

  variables {
    name = "Headwater"
  }

  expect_failures = [var.name]
}

run "cidr_too_small" {
  command = plan

  variables {
    cidr = "10.90.0.0/24"
  }

  expect_failures = [var.cidr]
}

run "cidr_of_ipv6" {
  command = plan

  variables {
    cidr = "2001:db8::/48"
  }

  expect_failures = [var.cidr]
}

run "one_zone" {
  command = plan

  variables {
    zone_count = 1
  }

  expect_failures = [var.zone_count]
}

run "existing_vpc_name" {
  command = plan

  variables {
    existing = { vpc_id = "main", cidr = "10.0.0.0/16", subnet_ids = ["subnet-0a", "subnet-0b"], route_table_ids = ["rtb-0a"] }
  }

  expect_failures = [var.existing]
}

run "existing_with_one_subnet" {
  command = plan

  variables {
    existing = { vpc_id = "vpc-0a", cidr = "10.0.0.0/16", subnet_ids = ["subnet-0a"], route_table_ids = ["rtb-0a"] }
  }

  expect_failures = [var.existing]
}

run "existing_route_table_name" {
  command = plan

  variables {
    existing = { vpc_id = "vpc-0a", cidr = "10.0.0.0/16", subnet_ids = ["subnet-0a", "subnet-0b"], route_table_ids = ["main"] }
  }

  expect_failures = [var.existing]
}

run "existing_without_a_way_to_s3" {
  command = plan

  variables {
    existing = { vpc_id = "vpc-0a", cidr = "10.0.0.0/16", subnet_ids = ["subnet-0a", "subnet-0b"] }
  }

  expect_failures = [var.s3_endpoint]
}

run "interface_endpoint_for_s3" {
  command = plan

  variables {
    interface_endpoints = ["s3"]
  }

  expect_failures = [var.interface_endpoints]
}

run "egress_to_a_name" {
  command = plan

  variables {
    egress_cidrs = ["hooks.example.com"]
  }

  expect_failures = [var.egress_cidrs]
}

run "customer_role_with_a_wildcard" {
  command = plan

  variables {
    customer_role_name = "*"
  }

  expect_failures = [var.customer_role_name]
}

run "customer_role_arn_with_a_wildcard" {
  command = plan

  variables {
    customer_role_arns = ["arn:aws:iam::*:role/x"]
  }

  expect_failures = [var.customer_role_arns]
}

run "retention_of_100_days" {
  command = plan

  variables {
    flow_log_retention_days = 100
  }

  expect_failures = [var.flow_log_retention_days]
}

run "key_that_is_an_alias" {
  command = plan

  variables {
    log_kms_key_arn = "arn:aws:kms:us-east-1:999988887777:alias/x"
  }

  expect_failures = [var.log_kms_key_arn]
}

run "boundary_that_is_a_role" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::999988887777:role/x"
  }

  expect_failures = [var.permissions_boundary_arn]
}
