mock_provider "aws" {
  source = "../../mocks/central"
}

# One valid set; each run breaks one input.
variables {
  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
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

run "no_network" {
  command = plan

  variables {
    vpc_id = null
  }

  expect_failures = [var.vpc_id]
}

run "one_subnet" {
  command = plan

  variables {
    subnet_ids = ["subnet-0123456789abcdef0"]
  }

  expect_failures = [var.subnet_ids]
}

run "existing_without_anything" {
  command = plan

  variables {
    existing = {}
  }

  expect_failures = [var.existing]
}

run "existing_both_ways" {
  command = plan

  variables {
    existing = { url_secret_arn = "arn:aws:secretsmanager:us-east-1:999988887777:secret:x-AbCdEf", host = "db.example.com", resource_id = "db-ABC" }
  }

  expect_failures = [var.existing]
}

run "existing_secret_that_is_a_parameter" {
  command = plan

  variables {
    existing = { url_secret_arn = "arn:aws:ssm:us-east-1:999988887777:parameter/state" }
  }

  expect_failures = [var.existing]
}

run "existing_resource_that_is_a_name" {
  command = plan

  variables {
    existing = { host = "db.example.com", resource_id = "headwater-state" }
  }

  expect_failures = [var.existing]
}

run "unknown_engine" {
  command = plan

  variables {
    engine = "mysql"
  }

  expect_failures = [var.engine]
}

run "old_version" {
  command = plan

  variables {
    engine_version = "13.4"
  }

  expect_failures = [var.engine_version]
}

run "class_without_prefix" {
  command = plan

  variables {
    instance_class = "t4g.medium"
  }

  expect_failures = [var.instance_class]
}

run "capacity_upside_down" {
  command = plan

  variables {
    serverless_capacity = { min = 4, max = 2 }
  }

  expect_failures = [var.serverless_capacity]
}

run "no_storage" {
  command = plan

  variables {
    max_storage_gib = 1
  }

  expect_failures = [var.max_storage_gib]
}

run "login_of_the_administrator" {
  command = plan

  variables {
    username = "headwater_admin"
  }

  expect_failures = [var.username]
}

run "no_backup" {
  command = plan

  variables {
    backup_retention_days = 0
  }

  expect_failures = [var.backup_retention_days]
}

run "key_that_is_an_alias" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:999988887777:alias/x"
  }

  expect_failures = [var.kms_key_arn]
}

run "client_group_name" {
  command = plan

  variables {
    client_security_group_ids = { worker = "default" }
  }

  expect_failures = [var.client_security_group_ids]
}
