#!/usr/bin/env python3
"""The official Python clients of OpenAI, Azure, Anthropic, Google and AWS against docmill's stand-in.

docmill's tests believe the stand-in; this asks those who wrote the protocols
whether it is one of them: requests as their clients send them, answers, errors,
limits and usage as their clients read them. Makes its own virtual environment;
says so and ends well when no package registry can be reached.
"""
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = Path(os.environ.get("DOCMILL_CLIENTS_VENV", "/tmp/docmill-clients-venv"))
STANDIN = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "debug" / "docmill-standin"
SCHEMA = {
    "type": "object",
    "properties": {"number": {"type": "string"}, "total": {"type": "number"}},
    "required": ["number", "total"],
    "additionalProperties": False,
}


def prepared() -> bool:
    """The virtual environment with the clients; False: they cannot be had here."""
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    wanted = ["-c", "import openai, anthropic, google.genai, boto3"]
    if subprocess.run([str(python), *wanted], capture_output=True).returncode == 0:
        return True
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--timeout", "20",
               "--requirement", str(HERE / "requirements-clients.txt")]
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode != 0:
        print("skipped: the Python clients cannot be installed here (no package registry?)")
        print(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "")
    return done.returncode == 0


class Standin:
    """A stand-in of its own, with a key."""

    def __enter__(self):
        command = [str(STANDIN), "--api-key", "right", "--model", "stand-in"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.root = "http://" + json.loads(self.process.stdout.readline())["address"]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def control(self, **changes):
        body = json.dumps(changes).encode()
        urllib.request.urlopen(urllib.request.Request(self.root + "/control", body), timeout=5).read()

    def billed(self):
        return json.load(urllib.request.urlopen(self.root + "/ledger", timeout=5))["totals"]


def expect(error, call):
    """The call fails with this error of the client."""
    try:
        call()
    except error as seen:
        return seen
    raise AssertionError(f"no {error.__name__}")


def read(text):
    data = json.loads(text)
    assert isinstance(data["number"], str) and isinstance(data["total"], (int, float)), text


def openai_chat(standin):
    import openai

    client = openai.OpenAI(base_url=standin.root + "/v1", api_key="right", max_retries=0)
    ask = lambda: client.chat.completions.with_raw_response.create(  # noqa: E731
        model="stand-in", max_completion_tokens=500, messages=[{"role": "user", "content": "Invoice 1"}],
        response_format={"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}})
    raw = ask()
    answer = raw.parse()
    read(answer.choices[0].message.content)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert [model.id for model in client.models.list()] == ["stand-in"]
    standin.control(next=["rate_limited"])
    limited = expect(openai.RateLimitError, ask)
    assert limited.response.headers["retry-after-ms"] == "1500"
    standin.control(next=["internal_error_unbilled"])
    expect(openai.InternalServerError, ask)
    standin.control(next=["length"])
    assert ask().parse().choices[0].finish_reason == "length"
    wrong = openai.OpenAI(base_url=standin.root + "/v1", api_key="wrong", max_retries=0)
    expect(openai.AuthenticationError, lambda: wrong.models.list())
    standin.control(requests_per_minute=600)
    assert ask().headers["x-ratelimit-limit-requests"] == "600"
    standin.control(requests_per_minute=None)


def openai_responses(standin):
    import openai

    client = openai.OpenAI(base_url=standin.root + "/v1", api_key="right", max_retries=0)
    ask = lambda: client.responses.create(  # noqa: E731
        model="stand-in", max_output_tokens=500, instructions="Read.", input="Invoice 1",
        text={"format": {"type": "json_schema", "name": "x", "strict": True, "schema": SCHEMA}})
    answer = ask()
    assert answer.status == "completed"
    read(answer.output_text)
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    standin.control(next=["length"])
    assert ask().incomplete_details.reason == "max_output_tokens"
    standin.control(next=["rate_limited"])
    expect(openai.RateLimitError, ask)


def anthropic_messages(standin):
    import anthropic

    client = anthropic.Anthropic(base_url=standin.root, api_key="right", max_retries=0)
    system = [{"type": "text", "text": "Read the document. " * 400, "cache_control": {"type": "ephemeral"}}]
    ask = lambda: client.messages.with_raw_response.create(  # noqa: E731
        model="stand-in", max_tokens=500, system=system, messages=[{"role": "user", "content": "Invoice 1"}],
        extra_body={"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}})
    first = ask().parse()
    read(first.content[0].text)
    assert first.usage.cache_creation_input_tokens > 1024 and first.stop_reason == "end_turn"
    assert ask().parse().usage.cache_read_input_tokens == first.usage.cache_creation_input_tokens
    standin.control(next=["overloaded529"])
    assert expect(anthropic.APIStatusError, ask).status_code == 529
    standin.control(next=["rate_limited"])
    expect(anthropic.RateLimitError, ask)
    standin.control(next=["length"])
    assert ask().parse().stop_reason == "max_tokens"
    standin.control(requests_per_minute=600)
    headers = ask().headers
    assert headers["anthropic-ratelimit-requests-limit"] == "600"
    assert headers["anthropic-ratelimit-requests-reset"].endswith("Z")
    standin.control(requests_per_minute=None)
    wrong = anthropic.Anthropic(base_url=standin.root, api_key="wrong", max_retries=0)
    refuse = lambda: wrong.messages.create(  # noqa: E731
        model="stand-in", max_tokens=5, messages=[{"role": "user", "content": "x"}])
    expect(anthropic.AuthenticationError, refuse)


def google_genai(standin):
    from google import genai
    from google.genai import errors, types

    options = types.HttpOptions(base_url=standin.root)
    client = genai.Client(api_key="right", http_options=options)
    config = types.GenerateContentConfig(
        system_instruction="Read.", max_output_tokens=500, response_mime_type="application/json",
        response_json_schema=SCHEMA)
    ask = lambda: client.models.generate_content(model="stand-in", contents="Invoice 1", config=config)  # noqa: E731
    answer = ask()
    read(answer.text)
    usage = answer.usage_metadata
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count
    standin.control(next=["length"])
    assert ask().candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    standin.control(next=["rate_limited"])
    limited = expect(errors.ClientError, ask)
    assert limited.code == 429 and limited.status == "RESOURCE_EXHAUSTED", limited


def azure_openai(standin):
    import openai

    messages = [{"role": "user", "content": "Invoice 1"}]
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}}
    for who in ({"api_key": "right"}, {"azure_ad_token": "right"}):
        client = openai.AzureOpenAI(azure_endpoint=standin.root, api_version="2024-10-21", max_retries=0, **who)
        ask = lambda: client.chat.completions.create(  # noqa: E731
            model="stand-in", max_completion_tokens=500, messages=messages, response_format=form)
        read(ask().choices[0].message.content)
    standin.control(next=["rate_limited"])
    expect(openai.RateLimitError, ask)
    wrong = openai.AzureOpenAI(azure_endpoint=standin.root, api_version="2024-10-21", api_key="wrong", max_retries=0)
    expect(openai.AuthenticationError,
           lambda: wrong.chat.completions.create(model="stand-in", messages=messages))


def google_vertex(standin):
    from google import genai
    from google.genai import errors, types
    from google.oauth2 import service_account

    pem = (HERE.parent / "crates/testkit/src/standin/service-account-key.pem").read_text()
    account = {"client_email": "me@example.org", "private_key": pem, "token_uri": standin.root + "/token"}
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    who = service_account.Credentials.from_service_account_info(account, scopes=scopes)
    client = genai.Client(vertexai=True, project="project", location="europe-west1", credentials=who,
                          http_options=types.HttpOptions(base_url=standin.root))
    config = types.GenerateContentConfig(
        max_output_tokens=500, response_mime_type="application/json", response_json_schema=SCHEMA)
    ask = lambda: client.models.generate_content(model="stand-in", contents="Invoice 1", config=config)  # noqa: E731
    read(ask().text)
    standin.control(next=["rate_limited"])
    assert expect(errors.ClientError, ask).code == 429


def bedrock_converse(standin):
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError

    def client(secret):
        return boto3.client(
            "bedrock-runtime", region_name="eu-central-1", endpoint_url=standin.root,
            aws_access_key_id="stand-in-client", aws_secret_access_key=secret,
            config=Config(retries={"total_max_attempts": 1}))

    def ask(secret="right"):
        return client(secret).converse(
            modelId="anthropic.stand-in-v1:0", system=[{"text": "Read."}], inferenceConfig={"maxTokens": 500},
            messages=[{"role": "user", "content": [{"text": "Invoice 1"}]}])

    answer = ask()
    assert answer["stopReason"] == "end_turn" and answer["output"]["message"]["content"][0]["text"]
    assert answer["usage"]["totalTokens"] == answer["usage"]["inputTokens"] + answer["usage"]["outputTokens"]
    standin.control(next=["rate_limited"])
    assert expect(ClientError, ask).response["Error"]["Code"] == "ThrottlingException"
    wrong = expect(ClientError, lambda: ask("wrong")).response
    assert wrong["Error"]["Code"] == "UnrecognizedClientException", wrong


def checks():
    for check in (openai_chat, openai_responses, azure_openai, anthropic_messages, google_genai, google_vertex,
                  bedrock_converse):
        with Standin() as standin:
            check(standin)
            print(f"ok  {check.__name__}: {standin.billed()['billed']} calls billed", flush=True)


if __name__ == "__main__":
    if os.environ.get("DOCMILL_CLIENTS_INSIDE"):
        checks()
    elif not STANDIN.exists():
        sys.exit(f"{STANDIN} is missing; cargo build -p docmill-testkit makes it")
    elif prepared():
        inside = dict(os.environ, DOCMILL_CLIENTS_INSIDE="1")
        sys.exit(subprocess.run([str(VENV / "bin" / "python"), __file__], env=inside).returncode)
