terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 6.0" # tested with 5.100.0; nothing here is deprecated in it
    }
  }
}
