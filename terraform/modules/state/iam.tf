# What the worker needs to log in: a token of its own role instead of a password.
data "aws_iam_policy_document" "connect" {
  dynamic "statement" {
    for_each = local.resource_id == null ? [] : [local.resource_id]

    content {
      sid       = "LogInToState"
      actions   = ["rds-db:connect"]
      resources = ["arn:${local.partition}:rds-db:${local.region}:${local.account_id}:dbuser:${statement.value}/${var.username}"]
    }
  }
}
