"""What several test folders need: Terraform runs, CloudFormation intrinsics, IAM decisions."""
