import platform

import django
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.messages.views import SuccessMessageMixin
from django.http import JsonResponse
from django.views.generic import CreateView, DetailView, ListView

from .forms import ProductForm
from .models import Product


class ProductList(ListView):
    template_name = "catalog/list.html"
    context_object_name = "products"

    def get_queryset(self):
        words = self.request.GET.get("q", "").strip()
        products = Product.objects.filter(is_visible=True)
        return products.filter(name__icontains=words) if words else products


class ProductDetail(DetailView):
    template_name = "catalog/detail.html"
    context_object_name = "product"
    queryset = Product.objects.filter(is_visible=True)


class ProductCreate(LoginRequiredMixin, SuccessMessageMixin, CreateView):
    template_name = "catalog/create.html"
    form_class = ProductForm
    success_message = "“%(name)s” is in the shop now."


def about(request):
    """What answers here, as JSON: good for a first look with curl."""
    return JsonResponse(
        {
            "django": django.get_version(),
            "python": platform.python_version(),
            "server": request.META.get("SERVER_SOFTWARE", ""),
            "scheme": request.scheme,
            "host": request.get_host(),
            "products": Product.objects.count(),
        }
    )
