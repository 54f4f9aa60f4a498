import platform

import django
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.messages.views import SuccessMessageMixin
from django.http import FileResponse, HttpResponse, JsonResponse
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


@login_required
def pattern(request):
    """The sewing pattern, for those who are logged in. Who may have it is decided here, who sends it is not."""
    name = "tricorn-pattern.svg"
    if settings.PROTECTED_URL is None:
        return FileResponse((settings.PROTECTED_ROOT / name).open("rb"), as_attachment=True)
    disposition = f'attachment; filename="{name}"'
    headers = {"X-Accel-Redirect": settings.PROTECTED_URL + name, "Content-Disposition": disposition}
    return HttpResponse(headers=headers, content_type="image/svg+xml")


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
