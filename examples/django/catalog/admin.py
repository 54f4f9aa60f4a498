from django.contrib import admin

from .models import Product

admin.site.site_header = "Three Corners"
admin.site.site_title = "Three Corners"
admin.site.index_title = "The shop's back room"


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["name", "price", "stock", "is_visible", "created_at"]
    list_filter = ["is_visible", "created_at"]
    list_editable = ["stock"]
    search_fields = ["name", "description"]
    prepopulated_fields = {"slug": ["name"]}
    date_hierarchy = "created_at"
