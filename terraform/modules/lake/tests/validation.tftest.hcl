mock_provider "aws" {
  source = "../../mocks/central"
}

# One valid set; each run breaks one input.
variables {
  name = "headwater"
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

run "bucket_with_dots" {
  command = plan

  variables {
    bucket_name = "lake.example.com"
  }

  expect_failures = [var.bucket_name]
}

run "no_time_to_undo" {
  command = plan

  variables {
    noncurrent_days = 0
  }

  expect_failures = [var.noncurrent_days]
}

run "half_a_gib" {
  command = plan

  variables {
    query_limit_gib = 0.5
  }

  expect_failures = [var.query_limit_gib]
}

run "table_of_another_database" {
  command = plan

  variables {
    optimized_tables = { "sales.orders" = ["compaction"] }
  }

  expect_failures = [var.optimized_tables]
}

run "unknown_optimizer" {
  command = plan

  variables {
    optimized_tables = { "logs.aws_alb" = ["vacuum"] }
  }

  expect_failures = [var.optimized_tables]
}

run "boundary_that_is_a_role" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::999988887777:role/x"
  }

  expect_failures = [var.permissions_boundary_arn]
}
