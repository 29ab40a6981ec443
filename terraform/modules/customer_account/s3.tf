# One per bucket, with every prefix: S3 keeps one configuration per bucket and the last writer wins.
# After the topic policy, because S3 tries the topic when it takes the configuration; after the subscription, so that no
# notification is published to nobody.
resource "aws_s3_bucket_notification" "this" {
  for_each = local.sns_buckets

  bucket = each.value

  dynamic "topic" {
    for_each = { for name, source in local.sns_sources : name => source if source.bucket == each.value }

    content {
      id            = "headwater-${topic.key}"
      topic_arn     = aws_sns_topic.this[each.value].arn
      events        = ["s3:ObjectCreated:*"]
      filter_prefix = topic.value.prefix == "" ? null : topic.value.prefix
    }
  }

  depends_on = [aws_sns_topic_policy.this, aws_sns_topic_subscription.this]
}
