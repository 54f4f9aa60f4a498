"""A Django view that answers with JSON, behind three of the usual middlewares; a project in one file."""
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY="no secret is kept with it",
)


def hat(request):
    return JsonResponse({"colours": ["black", "red", "green"], "corners": 3, "name": "tricorn"})


urlpatterns = [path("", hat)]
app = get_wsgi_application()
