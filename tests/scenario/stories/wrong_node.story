story: A hospital asks another province's node: it is told which one is right
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care asked at home
expect s1 refused WRONG_NODE
expect nothing of s1 at east
expect wang has 500.00
