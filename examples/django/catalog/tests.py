from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import TestCase
from django.urls import reverse

from .forms import ProductForm
from .models import Product


class ShopTest(TestCase):
    def setUp(self):
        Product.objects.create(name="Tricorn", slug="tricorn", price="49.00")

    def test_a_visitor_sees_the_products(self):
        self.assertContains(self.client.get(reverse("catalog:list")), "Tricorn")

    def test_a_visitor_must_log_in_to_add_a_product(self):
        response = self.client.get(reverse("catalog:create"))
        self.assertRedirects(response, "/accounts/login/?next=/products/new/")

    def test_a_visitor_must_log_in_to_get_the_sewing_pattern(self):
        address = reverse("catalog:pattern")
        self.assertRedirects(self.client.get(address), "/accounts/login/?next=/pattern/")
        self.client.force_login(get_user_model().objects.create_user("anna"))
        self.assertIn(b"<svg", self.client.get(address).getvalue())
        with self.settings(PROTECTED_URL="/protected/"):
            self.assertEqual(self.client.get(address)["X-Accel-Redirect"], "/protected/tricorn-pattern.svg")

    def test_the_slug_comes_from_the_name(self):
        self.client.force_login(get_user_model().objects.create_user("anna"))
        response = self.client.post(reverse("catalog:create"), {"name": "Sun hat", "price": "9", "stock": "1"})
        self.assertRedirects(response, "/products/sun-hat/")

    def test_two_names_with_the_same_slug_are_refused(self):
        form = ProductForm({"name": "TRICORN!", "price": "9", "stock": "1"})
        self.assertIn("name", form.errors)

    def test_a_picture_that_could_carry_scripts_is_refused(self):
        picture = SimpleUploadedFile("hat.svg", b"<svg/>")
        form = ProductForm({"name": "Sun hat", "price": "9", "stock": "1"}, {"picture": picture})
        self.assertIn("picture", form.errors)
