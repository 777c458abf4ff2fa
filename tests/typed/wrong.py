"""Calls that a type checker must refuse, each marked with the error it must give."""

from fastapi import FastAPI

from fastapi_tasks import TaskConfig, Tasks, add_tasks

app = FastAPI()


async def send_mail(to: str, *, subject: str = "") -> None: ...


async def wrong_handler(task: str) -> None: ...


async def endpoint(tasks: Tasks) -> None:
    tasks.schedule(send_mail)  # E: call-arg
    tasks.schedule(send_mail, 1)  # E: arg-type
    tasks.schedule(send_mail, "a", "b")  # E: call-arg
    tasks.schedule(send_mail, "a", body="b")  # E: call-arg
    tasks.schedule("send_mail")  # E: arg-type
    tasks.after_route.schedule(send_mail, subject="b")  # E: call-arg
    tasks.task(name="x").schedule(send_mail, 1)  # E: arg-type
    tasks.after_response.task(shield=True).schedule(send_mail)  # E: call-arg
    tasks.after_response.task(shield=True).schedule(send_mail, "a", subject=1)  # E: arg-type
    tasks.task(name=1)  # E: arg-type
    tasks.task(on_error=wrong_handler)  # E: arg-type
    tasks.task(retries=3)  # E: call-arg


TaskConfig(shield="yes")  # E: arg-type
add_tasks(app, grace_period="5 s")  # E: arg-type
add_tasks("app")  # E: arg-type
