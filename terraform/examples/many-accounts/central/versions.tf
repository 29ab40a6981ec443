terraform {
  required_version = ">= 1.10"

  backend "s3" {} # bucket, key, region and use_lockfile come with `terraform init -backend-config=…`

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 6.0"
    }
  }
}
