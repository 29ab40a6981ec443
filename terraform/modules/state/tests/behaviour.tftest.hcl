mock_provider "aws" {
  source = "../../mocks/central"
}

variables {
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_security_group_ids = { worker = "sg-0123456789abcdef0" }
}

run "instance_is_encrypted_private_and_protected" {
  command = apply

  assert {
    condition     = aws_db_instance.this[0].storage_encrypted && aws_db_instance.this[0].kms_key_id == aws_kms_key.this[0].arn && !aws_db_instance.this[0].publicly_accessible
    error_message = "Under a key of its own, reachable from the VPC alone."
  }

  assert {
    condition     = aws_db_instance.this[0].deletion_protection && !aws_db_instance.this[0].skip_final_snapshot && aws_db_instance.this[0].backup_retention_period == 14
    error_message = "Not lost by a slip."
  }

  assert {
    condition     = contains(aws_db_parameter_group.this[0].parameter[*].name, "rds.force_ssl")
    error_message = "TLS only."
  }
}

run "the_service_has_no_password" {
  command = apply

  assert {
    condition     = output.url == "postgresql://headwater@state.example.com:5432/headwater?sslmode=require" && output.url_secret_arn == null
    error_message = "The URL is no secret."
  }

  assert {
    condition     = aws_db_instance.this[0].iam_database_authentication_enabled && aws_db_instance.this[0].manage_master_user_password && output.connect_policy != null
    error_message = "IAM logs the service in; RDS keeps the administrator's password."
  }
}

run "only_the_named_groups_connect" {
  command = apply

  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.this : rule.referenced_security_group_id] == ["sg-0123456789abcdef0"] && alltrue([for rule in aws_vpc_security_group_ingress_rule.this : rule.from_port == 5432])
    error_message = "PostgreSQL from the worker."
  }
}

run "aurora_scales_between_the_limits" {
  command = apply

  variables {
    engine              = "aurora"
    serverless_capacity = { min = 0, max = 4 }
  }

  assert {
    condition     = aws_rds_cluster.this[0].serverlessv2_scaling_configuration[0].max_capacity == 4 && length(aws_rds_cluster_instance.this) == 2 && length(aws_db_instance.this) == 0
    error_message = "Two serverless instances, in two zones."
  }

  assert {
    condition     = aws_rds_cluster.this[0].storage_encrypted && aws_rds_cluster.this[0].iam_database_authentication_enabled && aws_rds_cluster.this[0].deletion_protection
    error_message = "As safe as the instance."
  }

  assert {
    condition     = output.url == "postgresql://headwater@cluster.example.com:5432/headwater?sslmode=require"
    error_message = "The writer's endpoint."
  }
}

run "an_existing_database_in_a_secret" {
  command = plan

  variables {
    vpc_id     = null
    subnet_ids = []
    existing   = { url_secret_arn = "arn:aws:secretsmanager:us-east-1:999988887777:secret:state-AbCdEf" }
  }

  assert {
    condition     = length(aws_db_instance.this) + length(aws_rds_cluster.this) + length(aws_security_group.this) + length(aws_kms_key.this) == 0
    error_message = "Nothing is made."
  }

  assert {
    condition     = output.url == null && output.connect_policy == null && output.url_secret_arn == "arn:aws:secretsmanager:us-east-1:999988887777:secret:state-AbCdEf"
    error_message = "The secret is passed on."
  }
}

run "an_existing_database_with_iam" {
  command = apply

  variables {
    existing = { host = "db.example.com", resource_id = "db-ABC", database = "state" }
  }

  assert {
    condition     = output.url == "postgresql://headwater@db.example.com:5432/state?sslmode=require" && output.connect_policy != null
    error_message = "As one of ours."
  }
}
