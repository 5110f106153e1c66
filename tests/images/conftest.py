"""The images, one after the other."""

from __future__ import annotations

import json

import pytest

from tests.docker import IMAGES, Docker, expect, tag_of


@pytest.fixture(scope="session", params=IMAGES)
def image(request: pytest.FixtureRequest, docker: Docker):
    """What the image promises; its tag is `tag_of(image)`."""
    expect(request.param)
    return request.param


@pytest.fixture
def about(image: str, docker: Docker):
    """What docker tells of the image."""
    (told,) = json.loads(docker("image", "inspect", tag_of(image)).stdout)
    return told
