variable "name" {
  description = "Prefix of every name this module makes: the dashboard <name>, the alarms <name>-…. Must be unique in the account."
  type        = string
  nullable    = false
  default     = "headwater"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 32 lower-case letters, digits or '-', begin with a letter and not end with '-'."
  }
}

variable "queue_name" {
  description = "Intake queue: output queue_name of intake."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,80}$", var.queue_name))
    error_message = "queue_name must be the name of a queue, not its ARN or URL."
  }
}

variable "dead_letter_queue_name" {
  description = "Dead-letter queue: output dead_letter_queue_name of intake."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,80}$", var.dead_letter_queue_name))
    error_message = "dead_letter_queue_name must be the name of a queue, not its ARN or URL."
  }
}

variable "log_group_name" {
  description = "Log group of the tasks: output log_group_name of service."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[.A-Za-z0-9_/#-]{1,512}$", var.log_group_name))
    error_message = "log_group_name must be the name of a log group, not its ARN."
  }
}

variable "cluster_name" {
  description = "ECS cluster: output cluster_name of service; null where another scheduler runs the worker."
  type        = string
  default     = null

  validation {
    condition     = var.cluster_name == null ? true : can(regex("^[A-Za-z0-9_-]{1,255}$", var.cluster_name))
    error_message = "cluster_name must be the name of an ECS cluster, not its ARN."
  }
}

variable "service_names" {
  description = "Task → its ECS service: output service_names of service."
  type        = map(string)
  nullable    = false
  default     = {}
}

variable "max_age_s" {
  description = "Seconds that a notification may wait before the alarm."
  type        = number
  nullable    = false
  default     = 900

  validation {
    condition     = var.max_age_s >= 60
    error_message = "max_age_s must be 60 or more."
  }
}

variable "max_reject_percent" {
  description = "Share of an hour's rows that may fit no schema before the alarm, in per cent."
  type        = number
  nullable    = false
  default     = 5

  validation {
    condition     = var.max_reject_percent >= 0 && var.max_reject_percent <= 100
    error_message = "max_reject_percent must be 0 to 100."
  }
}

variable "silence_minutes" {
  description = "Alarm when no object at all was processed for so long; 0: no such alarm."
  type        = number
  nullable    = false
  default     = 60

  validation {
    condition     = var.silence_minutes >= 0 && var.silence_minutes <= 1440 && floor(var.silence_minutes) == var.silence_minutes
    error_message = "silence_minutes must be 0 to 1440 whole minutes (CloudWatch looks back one day)."
  }
}

variable "max_failed_commits" {
  description = "Commits that may fail in 15 minutes before the alarm."
  type        = number
  nullable    = false
  default     = 5

  validation {
    condition     = var.max_failed_commits >= 0
    error_message = "max_failed_commits must be 0 or more."
  }
}

variable "max_restarts" {
  description = "Workers that may die in the midst of a batch in 15 minutes before the alarm."
  type        = number
  nullable    = false
  default     = 3

  validation {
    condition     = var.max_restarts >= 0
    error_message = "max_restarts must be 0 or more."
  }
}

variable "create_alarm_topic" {
  description = "Whether to make a topic for the alarms."
  type        = bool
  nullable    = false
  default     = true
}

variable "alarm_topic_arns" {
  description = "Topics of yours that alarms go to as well."
  type        = list(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", arn))])
    error_message = "alarm_topic_arns must be ARNs of standard SNS topics."
  }
}

variable "tags" {
  description = "Tags of everything this module makes."
  type        = map(string)
  nullable    = false
  default     = {}
}
