"""InstanceDescription: AWS's own words about one instance, apart from its row, which tables read by the thousand."""

from django.db import models

from elements.models.instances import Instance


class InstanceDescription(models.Model):
    """The XML by which DescribeInstances describes an instance, compressed."""

    instance = models.OneToOneField(Instance, on_delete=models.CASCADE, primary_key=True, related_name="description")
    xml = models.BinaryField()

    def __str__(self) -> str:
        return f"description of {self.instance_id}"
