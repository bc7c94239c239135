// A browser that runs no scripts, on a phone and in Chinese: sign in, look, sign out.
export default async ({ open, values }) => {
  const { page } = await open({
    javaScriptEnabled: false,
    locale: "zh-CN",
    viewport: { width: 390, height: 844 },
  });
  await page.goto(`${values.url}/account`);
  await page.getByLabel("邮箱地址").fill(values.email);
  await page.getByLabel("密码").fill(values.password);
  await page.getByRole("button", { name: "登录" }).click();
  const account = await page.locator("main").innerText();
  const wide = await page.locator("html").evaluate((html) => html.scrollWidth).catch(() => 0);
  await page.goto(`${values.url}/sign-out`);
  await page.getByRole("button", { name: "退出登录" }).click();
  return { account, wide, end: await page.locator("h1").innerText() };
};
