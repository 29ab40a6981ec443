locals {
  partition = startswith(var.region, "cn-") ? "aws-cn" : startswith(var.region, "us-gov-") ? "aws-us-gov" : "aws"
}

provider "aws" {
  alias               = "central"
  region              = var.region
  allowed_account_ids = [var.central_account_id]

  assume_role {
    role_arn     = "arn:${local.partition}:iam::${var.central_account_id}:role/${var.deploy_role_name}"
    session_name = "headwater-deploy"
  }
}

provider "aws" {
  alias               = "customer"
  region              = var.region
  allowed_account_ids = [var.customer_account_id]

  assume_role {
    role_arn     = "arn:${local.partition}:iam::${var.customer_account_id}:role/${var.deploy_role_name}"
    session_name = "headwater-deploy"
  }
}

module "platform" {
  source    = "../../modules/platform"
  providers = { aws = aws.central }

  customer_account_ids = [var.customer_account_id]
  worker_on            = var.worker == null ? "elsewhere" : "ecs"
  image                = try(var.worker.image, null)
  trial                = var.trial
}

module "customer" {
  source    = "../../modules/customer_account"
  providers = { aws = aws.customer }

  account_id         = var.customer_account_id
  account_name       = var.customer_account_name
  external_id        = var.external_id
  central_account_id = var.central_account_id
  worker_role_arn    = module.platform.worker_role_arn
  queue_arn          = module.platform.queue_arn

  sources = [{
    name   = "cloudtrail"
    bucket = var.bucket
    prefix = var.prefix
  }]

  bucket_notifications_checked = var.bucket_notifications_checked
}
