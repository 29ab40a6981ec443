"""The data lake: Apache Iceberg tables through PyIceberg."""
