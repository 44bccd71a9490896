"""A Django project with djangorestframework-simplejwt. It knows nothing of Gatehouse; the environment configures the
library. Its own table has the user `zoe` with the key 7."""

import os

import django
from django.conf import settings

SIMPLE_JWT = {}
# The lines that the documentation adds to the settings of a project.
exec(os.environ.get("EXAMPLE", ""))
# Such as SIGNING_KEY, ALGORITHM and VERIFYING_KEY.
SIMPLE_JWT.update({name[4:]: value for name, value in os.environ.items() if name.startswith("JWT_")})

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:users?mode=memory&cache=shared"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="the project's own key, with which simplejwt signs unless it is told otherwise",
    SIMPLE_JWT=SIMPLE_JWT,
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework_simplejwt.authentication import JWTAuthentication, JWTStatelessUserAuthentication  # noqa: E402


class Protected(APIView):
    """Looks the person up in the project's own table."""

    authentication_classes = [JWTAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"id": request.user.pk, "username": request.user.username})


class Stateless(APIView):
    """Believes the token alone."""

    authentication_classes = [JWTStatelessUserAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        user = request.user
        return Response({"id": user.id, "staff": user.is_staff, "superuser": user.is_superuser})


urlpatterns = [path("protected", Protected.as_view()), path("stateless", Stateless.as_view())]
call_command("migrate", verbosity=0)
User.objects.create_user(pk=7, username="zoe")
app = get_wsgi_application()
