"""The live view in a browser: the extra ``[serve]`` (Starlette, uvicorn) is imported here alone."""
