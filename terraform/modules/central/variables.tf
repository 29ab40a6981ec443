variable "name" {
  description = "Prefix of every name this module makes: <name>-intake, <name>-worker, <name>-lake-<account>. Must be unique in the account."
  type        = string
  nullable    = false
  default     = "headwater"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 32 lower-case letters, digits or '-', begin with a letter and not end with '-'."
  }
}

variable "customer_account_ids" {
  description = "Accounts that may announce objects: all customers, or, with organization_id, those outside of the organisation. About 500 fit into the queue's policy (the plan refuses more)."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for id in var.customer_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "Every customer account id must be 12 digits, in quotes so that leading zeros stay."
  }
}

variable "eventbridge_account_ids" {
  description = "Accounts that use notifications = \"eventbridge\" and are not in the organisation; they may put events on the central bus."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for id in var.eventbridge_account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "Every EventBridge account id must be 12 digits, in quotes so that leading zeros stay."
  }
}

variable "organization_id" {
  description = "AWS Organizations id; its accounts may announce objects, and no policy grows with their number."
  type        = string
  default     = null

  validation {
    condition     = var.organization_id == null ? true : can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "organization_id must look like o-exampleorgid: 'o-' and 10 to 32 lower-case letters or digits."
  }
}

variable "opt_in_regions" {
  description = "Opt-in regions (me-south-1, ap-east-1 …) in which customers have topics: SNS acts from there under a principal of its own."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for region in var.opt_in_regions : can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", region))])
    error_message = "opt_in_regions must be region names such as me-south-1."
  }
}

variable "customer_role_name" {
  description = "Name (with its path, without the leading slash) of the reader role in every customer account; the worker may assume arn:<partition>:iam::*:role/<this>."
  type        = string
  nullable    = false
  default     = "headwater-reader"

  validation {
    condition     = can(regex("^[\\w+=,.@-]+(/[\\w+=,.@-]+)*$", var.customer_role_name))
    error_message = "customer_role_name must be a role name such as headwater-reader or corp/headwater-reader, without wildcards."
  }
}

variable "customer_role_arns" {
  description = "Reader roles with other names: customers who brought their own."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for arn in var.customer_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", arn))])
    error_message = "customer_role_arns must be ARNs of IAM roles, without wildcards."
  }
}

variable "lake_bucket_name" {
  description = "Name of the lake's bucket; default <name>-lake-<account id>."
  type        = string
  default     = null

  validation {
    condition     = var.lake_bucket_name == null ? true : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.lake_bucket_name))
    error_message = "lake_bucket_name must be 3 to 63 lower-case letters, digits or '-' (no dots: they break TLS host names)."
  }
}

variable "image" {
  description = "Container image of the worker. Without one no ECS resource is made: run the worker elsewhere, under the role worker_role_arn."
  type        = string
  default     = null

  validation {
    condition     = var.image == null ? true : can(regex("^[a-z0-9][a-zA-Z0-9./_:@-]+$", var.image))
    error_message = "image must be an image reference such as 999988887777.dkr.ecr.us-east-1.amazonaws.com/headwater:0.1.0."
  }
}

variable "cpu" {
  description = "CPU units of the worker task (1024 = one vCPU)."
  type        = number
  nullable    = false
  default     = 1024

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.cpu)
    error_message = "cpu must be a size of Fargate: 256, 512, 1024, 2048, 4096, 8192 or 16384."
  }
}

variable "memory" {
  description = "Memory of the worker task in MiB."
  type        = number
  nullable    = false
  default     = 4096

  validation {
    condition     = var.memory >= 1024 && var.memory <= 122880 && var.memory % 1024 == 0
    error_message = "memory must be whole GiB, 1024 to 122880 MiB."
  }
}

variable "desired_count" {
  description = "Number of workers."
  type        = number
  nullable    = false
  default     = 1

  validation {
    condition     = var.desired_count >= 0 && floor(var.desired_count) == var.desired_count
    error_message = "desired_count must be a whole number, 0 or more."
  }
}

variable "create_service" {
  description = "Whether to run the task definition as an ECS service; false leaves that to another scheduler."
  type        = bool
  nullable    = false
  default     = true
}

variable "subnet_ids" {
  description = "Subnets of the worker, with a way out to AWS (NAT or VPC endpoints)."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for id in var.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "subnet_ids must be ids such as subnet-0123456789abcdef0."
  }
}

variable "security_group_ids" {
  description = "Security groups of the worker; it needs no ingress."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for id in var.security_group_ids : can(regex("^sg-[0-9a-f]+$", id))])
    error_message = "security_group_ids must be ids such as sg-0123456789abcdef0."
  }
}

variable "assign_public_ip" {
  description = "Whether the worker gets a public address: needed in public subnets without a NAT."
  type        = bool
  nullable    = false
  default     = false
}

variable "cpu_architecture" {
  description = "Architecture of the image: X86_64 or ARM64."
  type        = string
  nullable    = false
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "cpu_architecture must be X86_64 or ARM64."
  }
}

variable "state_url_secret_arn" {
  description = "Secrets Manager secret whose text is HEADWATER_STATE_URL (PostgreSQL). The service needs it: a Fargate task forgets its disk."
  type        = string
  default     = null

  validation {
    condition     = var.state_url_secret_arn == null ? true : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$", var.state_url_secret_arn))
    error_message = "state_url_secret_arn must be the ARN of a Secrets Manager secret."
  }
}

variable "state_url_secret_kms_key_arn" {
  description = "Key of that secret, if it is not the AWS-managed one."
  type        = string
  default     = null

  validation {
    condition     = var.state_url_secret_kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.state_url_secret_kms_key_arn))
    error_message = "state_url_secret_kms_key_arn must be the ARN of a KMS key."
  }
}

variable "accounts_file" {
  description = "Where the worker reads accounts.yml: an s3:// URL, or an absolute path inside the image. Empty: config/accounts.yml in the lake bucket, where `headwater config publish` puts it."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = var.accounts_file == "" || can(regex("^(/|s3://[a-z0-9.-]+/).+", var.accounts_file))
    error_message = "accounts_file must be an s3:// URL or an absolute path inside the container."
  }
}

variable "environment" {
  description = "More HEADWATER_* settings of the worker (docs/settings.md); they win over those this module gives."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^HEADWATER_[A-Z0-9_]+$", name))])
    error_message = "environment takes HEADWATER_* settings only."
  }
}

variable "worker_assumed_by_arns" {
  description = "Principals of this account, besides ECS, that may assume the worker role: a scheduler's node role, a developer's role."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for arn in var.worker_assumed_by_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\\w+=,.@/-]+$", arn))])
    error_message = "worker_assumed_by_arns must be ARNs of IAM roles or users."
  }
}

variable "visibility_timeout_s" {
  description = "How long a received notification stays hidden from other workers, in seconds."
  type        = number
  nullable    = false
  default     = 300

  validation {
    condition     = var.visibility_timeout_s >= 30 && var.visibility_timeout_s <= 43200
    error_message = "visibility_timeout_s must be 30 to 43200 (SQS allows 12 hours)."
  }
}

variable "max_receive_count" {
  description = "After this many receives SQS itself moves a notification to the dead-letter queue; the worker does so earlier for known faults."
  type        = number
  nullable    = false
  default     = 20

  validation {
    condition     = var.max_receive_count >= 5 && var.max_receive_count <= 1000
    error_message = "max_receive_count must be 5 to 1000."
  }
}

variable "alerts_topic" {
  description = "Whether to make an SNS topic that receives every alert."
  type        = bool
  nullable    = false
  default     = true
}

variable "force_destroy" {
  description = "Whether destroy deletes a lake that still holds data. For trials only."
  type        = bool
  nullable    = false
  default     = false
}

variable "log_retention_days" {
  description = "Days that CloudWatch keeps the worker's log."
  type        = number
  nullable    = false
  default     = 90

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of the periods of CloudWatch Logs: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 …"
  }
}

variable "tags" {
  description = "Tags of everything this module makes."
  type        = map(string)
  nullable    = false
  default     = {}
}
