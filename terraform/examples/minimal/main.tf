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

module "central" {
  source    = "../../modules/central"
  providers = { aws = aws.central }

  customer_account_ids = [var.customer_account_id]
  force_destroy        = var.force_destroy

  image                = try(var.worker.image, null)
  subnet_ids           = try(var.worker.subnet_ids, [])
  security_group_ids   = try(var.worker.security_group_ids, [])
  state_url_secret_arn = try(var.worker.state_url_secret_arn, null)
}

module "customer" {
  source    = "../../modules/customer_account"
  providers = { aws = aws.customer }

  account_id         = var.customer_account_id
  account_name       = var.customer_account_name
  external_id        = var.external_id
  central_account_id = var.central_account_id
  worker_role_arn    = module.central.worker_role_arn
  queue_arn          = module.central.queue_arn

  sources = [{
    name   = "cloudtrail"
    bucket = var.bucket
    prefix = var.prefix
  }]

  bucket_notifications_checked = var.bucket_notifications_checked
}
