mock_provider "aws" {
  source = "../../mocks/central"
}

variables {
  organization_id = "o-exampleorgid"
}

run "an_image_makes_everything" {
  command = apply

  variables {
    image = "999988887777.dkr.ecr.us-east-1.amazonaws.com/headwater:0.1.0"
  }

  assert {
    condition     = output.service_names == { worker = "headwater-worker" } && output.vpc_id != null && output.state_url == "postgresql://headwater@state.example.com:5432/headwater?sslmode=require"
    error_message = "Network, database and worker."
  }

  assert {
    condition     = output.state_admin_secret_arn != null && output.alarm_topic_arn != null && output.dashboard_name == "headwater"
    error_message = "What the next steps need."
  }
}

run "before_the_first_image" {
  command = apply

  assert {
    condition     = output.repository_url == "999988887777.dkr.ecr.us-east-1.amazonaws.com/headwater" && output.service_names == {}
    error_message = "The repository is there to push to; no task yet."
  }
}

run "a_worker_elsewhere" {
  command = apply

  variables {
    worker_on = "elsewhere"
    alarms    = { topic_arns = ["arn:aws:sns:us-east-1:999988887777:on-call"] }
  }

  assert {
    condition     = output.vpc_id == null && output.state_url == null && output.cluster_name == null && output.repository_url == null
    error_message = "No network, no database, no ECS."
  }

  assert {
    condition     = output.queue_url != null && output.worker_role_arn != null && output.alarm_topic_arn == null
    error_message = "Queue, lake, role; alarms go to the named topic."
  }
}

run "an_existing_network_and_database" {
  command = apply

  variables {
    image    = "999988887777.dkr.ecr.us-east-1.amazonaws.com/headwater:0.1.0"
    network  = { existing = { vpc_id = "vpc-0a", cidr = "10.0.0.0/16", subnet_ids = ["subnet-0a", "subnet-0b"] }, s3_endpoint = false, interface_endpoints = [] }
    database = { existing = { url_secret_arn = "arn:aws:secretsmanager:us-east-1:999988887777:secret:state-AbCdEf" } }
  }

  assert {
    condition     = output.vpc_id == "vpc-0a" && output.state_url == null && output.service_names == { worker = "headwater-worker" }
    error_message = "The service runs in what is there."
  }
}

run "a_trial_can_be_destroyed" {
  command = plan

  variables {
    trial = true
  }

  assert {
    condition     = output.lake_bucket == "headwater-lake-999988887777"
    error_message = "Same names as ever."
  }
}
