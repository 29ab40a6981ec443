mock_provider "aws" {
  source = "./tests/mocks"
}

# One valid set; each run breaks one input.
variables {
  organization_id      = "o-exampleorgid"
  image                = "999988887777.dkr.ecr.us-east-1.amazonaws.com/headwater:0.1.0"
  subnet_ids           = ["subnet-0123456789abcdef0"]
  security_group_ids   = ["sg-0123456789abcdef0"]
  state_url_secret_arn = "arn:aws:secretsmanager:us-east-1:999988887777:secret:headwater-state-AbCdEf"
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

run "customer_id_of_eleven_digits" {
  command = plan

  variables {
    customer_account_ids = ["11112222333"]
  }

  expect_failures = [var.customer_account_ids]
}

run "eventbridge_id_that_is_an_arn" {
  command = plan

  variables {
    eventbridge_account_ids = ["arn:aws:iam::111122223333:root"]
  }

  expect_failures = [var.eventbridge_account_ids]
}

run "organization_id_without_prefix" {
  command = plan

  variables {
    organization_id = "exampleorgid"
  }

  expect_failures = [var.organization_id]
}

run "opt_in_region_that_is_a_zone" {
  command = plan

  variables {
    opt_in_regions = ["me-south-1a"]
  }

  expect_failures = [var.opt_in_regions]
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

run "lake_bucket_with_dots" {
  command = plan

  variables {
    lake_bucket_name = "lake.example.com"
  }

  expect_failures = [var.lake_bucket_name]
}

run "image_with_a_blank" {
  command = plan

  variables {
    image = "headwater latest"
  }

  expect_failures = [var.image]
}

run "cpu_that_fargate_has_not" {
  command = plan

  variables {
    cpu = 1000
  }

  expect_failures = [var.cpu]
}

run "memory_of_half_a_gib" {
  command = plan

  variables {
    memory = 512
  }

  expect_failures = [var.memory]
}

run "half_a_worker" {
  command = plan

  variables {
    desired_count = 0.5
  }

  expect_failures = [var.desired_count]
}

run "subnet_that_is_a_vpc" {
  command = plan

  variables {
    subnet_ids = ["vpc-0123456789abcdef0"]
  }

  expect_failures = [var.subnet_ids]
}

run "security_group_name" {
  command = plan

  variables {
    security_group_ids = ["default"]
  }

  expect_failures = [var.security_group_ids]
}

run "unknown_architecture" {
  command = plan

  variables {
    cpu_architecture = "arm"
  }

  expect_failures = [var.cpu_architecture]
}

run "secret_that_is_a_parameter" {
  command = plan

  variables {
    state_url_secret_arn = "arn:aws:ssm:us-east-1:999988887777:parameter/state"
  }

  expect_failures = [var.state_url_secret_arn]
}

run "secret_key_that_is_an_alias" {
  command = plan

  variables {
    state_url_secret_kms_key_arn = "arn:aws:kms:us-east-1:999988887777:alias/x"
  }

  expect_failures = [var.state_url_secret_kms_key_arn]
}

run "relative_accounts_file" {
  command = plan

  variables {
    accounts_file = "accounts.yml"
  }

  expect_failures = [var.accounts_file]
}

run "environment_of_another_program" {
  command = plan

  variables {
    environment = { AWS_ENDPOINT_URL = "http://192.0.2.1" }
  }

  expect_failures = [var.environment]
}

run "assumed_by_an_account" {
  command = plan

  variables {
    worker_assumed_by_arns = ["arn:aws:iam::999988887777:root"]
  }

  expect_failures = [var.worker_assumed_by_arns]
}

run "visibility_of_a_second" {
  command = plan

  variables {
    visibility_timeout_s = 1
  }

  expect_failures = [var.visibility_timeout_s]
}

run "one_receive" {
  command = plan

  variables {
    max_receive_count = 1
  }

  expect_failures = [var.max_receive_count]
}

run "retention_of_100_days" {
  command = plan

  variables {
    log_retention_days = 100
  }

  expect_failures = [var.log_retention_days]
}

run "service_without_state" {
  command = plan

  variables {
    state_url_secret_arn = null
  }

  expect_failures = [aws_ecs_service.worker]
}

run "service_without_network" {
  command = plan

  variables {
    subnet_ids = []
  }

  expect_failures = [aws_ecs_service.worker]
}
