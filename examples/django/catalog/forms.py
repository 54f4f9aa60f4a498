from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify

from .models import Product


class ProductForm(forms.ModelForm):
    """What the staff fills in to put a new hat into the shop; the slug comes from the name."""

    class Meta:
        model = Product
        fields = ["name", "price", "stock", "description", "picture"]
        widgets = {"description": forms.Textarea(attrs={"rows": 4})}

    def clean_name(self):
        name = self.cleaned_data["name"]
        slug = slugify(name)
        if not slug:
            raise ValidationError("The name needs at least one letter or digit.")
        if Product.objects.filter(slug=slug).exists():
            raise ValidationError("There is a product of that name already. Choose another name.")
        self.instance.slug = slug
        return name
