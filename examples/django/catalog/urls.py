from django.urls import path

from . import views

app_name = "catalog"
urlpatterns = [
    path("", views.ProductList.as_view(), name="list"),
    path("about.json", views.about, name="about"),
    path("pattern/", views.pattern, name="pattern"),
    path("products/new/", views.ProductCreate.as_view(), name="create"),
    path("products/<slug:slug>/", views.ProductDetail.as_view(), name="detail"),
]
