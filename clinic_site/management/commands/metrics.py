"""Numbers for Prometheus, on a port of their own."""

from django.core.management import BaseCommand
from prometheus_client import CollectorRegistry, start_http_server

from clinic_site.metrics import Collector


class Command(BaseCommand):
    help = "Answer Prometheus with numbers about what waits. Let only your own network reach the port."

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=9100)

    def handle(self, *, host, port, **options):
        registry = CollectorRegistry()
        registry.register(Collector())
        _, thread = start_http_server(port, host, registry)
        thread.join()
