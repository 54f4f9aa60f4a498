from django.core.exceptions import ValidationError
from django.core.validators import FileExtensionValidator, MinValueValidator
from django.db import models
from django.urls import reverse

PICTURE_SIZE_MAX = 8 * 1024 * 1024


def validate_picture_size(picture):
    if picture.size > PICTURE_SIZE_MAX:
        raise ValidationError("The picture is larger than 8 MB. Choose a smaller one.")


class Product(models.Model):
    """A hat that the shop sells."""

    name = models.CharField(max_length=80, unique=True)
    slug = models.SlugField(max_length=80, unique=True, help_text="The product's name in its address.")
    description = models.TextField(blank=True)
    price = models.DecimalField(
        max_digits=8, decimal_places=2, validators=[MinValueValidator(0)], help_text="In euros."
    )
    stock = models.PositiveIntegerField(default=1)
    # No SVG: it may carry scripts, and the uploads come from the shop's own origin.
    picture = models.FileField(
        upload_to="products/",
        blank=True,
        validators=[FileExtensionValidator(["png", "jpg", "jpeg", "gif", "webp"]), validate_picture_size],
    )
    is_visible = models.BooleanField("visible in the shop", default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("catalog:detail", args=[self.slug])

    @property
    def hue(self):
        """The colour of the drawn hat for a product without a picture, 0 to 359 degrees."""
        # Steps of the golden angle: neighbours never look alike, and no two in the first hundred are the same.
        return self.pk * 137 % 360
