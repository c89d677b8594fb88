"""General in a browser: keys are tried before they replace others, and none comes back."""

from playwright.sync_api import expect


def test_an_administrator_replaces_the_keys(stack, sign_in):
    good = stack.add_element("Keys", "eu-north-1")
    page = sign_in("maria", "/e/keys/general/")

    page.get_by_text("Replace the access key").click()
    page.get_by_label("Access Key ID", exact=True).fill(good.access_key_id)
    page.get_by_label("Secret Access Key", exact=True).fill("not-the-right-one")
    page.get_by_role("button", name="Save and test").click()
    page.get_by_text("AWS refused the new keys").wait_for()

    assert page.get_by_label("Access Key ID", exact=True).input_value() == ""
    assert page.get_by_label("Secret Access Key", exact=True).input_value() == ""

    other = stack.aws.add_keys()
    page.get_by_label("Access Key ID", exact=True).fill(other.access_key_id)
    page.get_by_label("Secret Access Key", exact=True).fill(other.secret_access_key)
    page.get_by_role("button", name="Save and test").click()
    page.get_by_text("Saved.", exact=True).wait_for()

    assert page.get_by_text(f"ending in {other.access_key_id[-4:]}").count() == 1
    assert other.secret_access_key not in page.content()


def test_the_policy_unfolds_and_is_copied(stack, sign_in):
    stack.add_element("Policy", "eu-south-1")
    page = sign_in("vera", "/e/policy/general/", permissions=["clipboard-read", "clipboard-write"])

    page.get_by_text("How to make the access key in AWS").click()
    page.get_by_role("button", name="Copy").click()

    assert '"ec2:DescribeInstances"' in page.evaluate("navigator.clipboard.readText()")
    assert page.get_by_role("button", name="Save and test").count() == 0


def test_a_test_that_takes_long_says_so_on_its_button(stack, sign_in):
    stack.add_element("Slow", "eu-west-2")
    page = sign_in("maria", "/e/slow/general/")
    # as if AWS, and therefore the page that follows, took for ever
    page.evaluate("addEventListener('submit', (event) => event.preventDefault())")

    button = page.get_by_role("button", name="Save and test")
    place = button.bounding_box()
    button.click()

    said = page.locator("form[data-guard] [type=submit][aria-disabled]")
    expect(said).to_have_text("Testing…")
    assert said.bounding_box()["x"] == place["x"]
    expect(said).to_contain_text("Still waiting for AWS, ", timeout=10_000)
